// Prints the totals of a run, and exits with 1 unless all of it passed.
// Arguments: Vitest's JSON report, the exit code of the checks, the exit code of the tests.
import { readFileSync } from "node:fs";

const [report, checks, tests] = process.argv.slice(2);

function counts(file) {
  const text = readFileSync(file, "utf8");
  if (text === "") return { passed: 0, failed: 0, skipped: 0 };
  const { testResults } = JSON.parse(text);
  const results = testResults.flatMap((file) => {
    const own = file.assertionResults.map((test) => test.status);
    // A file that fails outside its tests (an import, a hook) has nothing else to show for it.
    return file.status === "failed" && !own.includes("failed") ? [...own, "failed"] : own;
  });
  const passed = results.filter((status) => status === "passed").length;
  const failed = results.filter((status) => status === "failed").length;
  return { passed, failed, skipped: results.length - passed - failed };
}

const total = counts(report);
if (checks !== "0") {
  console.log("The checks failed; they count as one failure.");
  total.failed++;
}
if (total.passed === 0) console.log("No test passed.");
if (tests !== "0" && total.failed === 0) {
  console.log("The test command failed outside the tests; that counts as one failure.");
  total.failed++;
}
console.log(`${total.passed} passed, ${total.failed} failed, ${total.skipped} skipped`);
process.exitCode = total.failed > 0 || total.passed === 0 ? 1 : 0;
