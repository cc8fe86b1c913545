import { expect, test } from 'vitest';
import { artifactId, jobOfArtifact } from '../../../src/core/artifact-id.ts';

const job = '01a22b2f-0ca4-730a-a624-feab39b11e87';

test.each([
  [1, 0, `${job}:0`],
  [1, 999, `${job}:999`],
  [2, 0, `${job}:2-0`],
  [12, 34, `${job}:12-34`],
])('a result of lease %i with number %i says which job made it', (lease, number, id) => {
  expect(artifactId(job, lease, number)).toBe(id);
  expect(jobOfArtifact(id)).toBe(job);
});

test.each([
  '',
  job,
  `${job}:`,
  `${job}:a`,
  `${job}:1-`,
  `${job}:-1`,
  `${job}:1-2-3`,
  `x:1`,
  `${job}:1 `,
  `${job}:1:2`,
  `${job}:01`,
  `${job}:0-1`,
])('what is no id of a result is of no job: %j', (id) => {
  expect(jobOfArtifact(id)).toBeNull();
});
