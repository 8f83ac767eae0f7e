/** One row per runtime, and a last line that any continuous integration can read. */
import type { Reporter, TestModule } from 'vitest/node';

export default class SummaryReporter implements Reporter {
  onTestRunEnd(modules: readonly TestModule[], errors: readonly unknown[]): void {
    const rows = new Map<string, { passed: number; failed: number; skipped: number }>();
    for (const module of modules) {
      const row = rows.get(module.project.name) ?? { passed: 0, failed: 0, skipped: 0 };
      rows.set(module.project.name, row);
      for (const test of module.children.allTests()) {
        const { state } = test.result();
        if (state === 'passed' || state === 'failed' || state === 'skipped') row[state] += 1;
      }
      if (module.errors().length > 0) row.failed += 1;
    }
    const total = { passed: 0, failed: errors.length, skipped: 0 };
    for (const [name, { passed, failed, skipped }] of rows) {
      console.log(`${name.padEnd(24)} ${passed} passed, ${failed} failed, ${skipped} skipped`);
      total.passed += passed;
      total.failed += failed;
      total.skipped += skipped;
    }
    console.log(`${total.passed} passed, ${total.failed} failed, ${total.skipped} skipped`);
  }
}
