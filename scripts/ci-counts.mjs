// Prints the last line of .ci/run:   node scripts/ci-counts.mjs <vitest's JSON report> <number of failed steps>
import { statSync } from 'node:fs';
import { readReport } from './test-report.mjs';

const [path, failedSteps] = process.argv.slice(2);
// The report is empty when vitest did not finish: the step has failed, and there are no tests to count.
const { passed, failed, skipped } = statSync(path).size > 0 ? readReport(path) : { passed: 0, failed: 0, skipped: [] };
const testsFailed = failed + skipped.length;
// When tests failed, the failure of the step `npm test` is counted by them alone. Any other failed step counts as one.
const failedTotal = testsFailed > 0 ? testsFailed + Math.max(0, Number(failedSteps) - 1) : Number(failedSteps);
console.log(`${passed} passed, ${failedTotal} failed`);
process.exitCode = failedTotal === 0 ? 0 : 1;
