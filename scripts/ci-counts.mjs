// The last line of .ci/run:   node scripts/ci-counts.mjs <vitest's JSON report> <how many of its steps failed>
import { statSync } from 'node:fs';
import { readReport } from './test-report.mjs';

const [path, failedSteps] = process.argv.slice(2);
// Empty when vitest did not come to an end: the step failed and there is nothing to count.
const { passed, failed, skipped } = statSync(path).size > 0 ? readReport(path) : { passed: 0, failed: 0, skipped: [] };
const testsFailed = failed + skipped.length;
// `npm test` failing because of tests is counted by those; failing without any, or `check` failing, counts as one each.
const failedTotal = testsFailed > 0 ? testsFailed + Math.max(0, Number(failedSteps) - 1) : Number(failedSteps);
console.log(`${passed} passed, ${failedTotal} failed`);
process.exitCode = failedTotal === 0 ? 0 : 1;
