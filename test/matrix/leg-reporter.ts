/** Writes the results of a leg's tests into the file that the matrix reads. */
import { writeFileSync } from 'node:fs';
import type { Reporter, TestModule } from 'vitest/node';

/** The results of a leg. */
export interface LegReport {
  readonly passed: number;
  readonly failed: number;
  readonly skipped: number;
  /** Tests per file, to find where two legs differ. */
  readonly files: Readonly<Record<string, number>>;
}

export default class LegReporter implements Reporter {
  onTestRunEnd(modules: readonly TestModule[], errors: readonly unknown[]): void {
    const count = { passed: 0, failed: errors.length, skipped: 0 };
    const files: Record<string, number> = {};
    for (const module of modules) {
      const tests = [...module.children.allTests()];
      for (const test of tests) {
        const { state } = test.result();
        count[state === 'pending' ? 'failed' : state] += 1;
      }
      files[module.relativeModuleId] = tests.length;
      if (module.errors().length > 0) count.failed += 1;
    }
    const file = process.env.PLINTH_REPORT;
    if (file) writeFileSync(file, JSON.stringify({ ...count, files } satisfies LegReport));
  }
}
