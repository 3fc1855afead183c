/**
 * On everything that is started here, so that whoever runs the tests can remove what an interrupted run left behind:
 * `docker ps --filter label=lock.test.run=<what LOCK_TEST_RUN was>`.
 */
export function runLabel(): Record<string, string> {
  return { "lock.test.run": process.env["LOCK_TEST_RUN"] ?? "none" };
}
