/** For files of tests that work on databases in a page. */
import { beforeEach } from 'vitest';
import { has } from '../matrix/gaps.ts';

/** Skips the tests of the file in browsers without a private file system. */
export function needPrivateFiles(): void {
  beforeEach(async ({ skip }) => {
    skip(!(await has('private-files')), 'no private file system');
  });
}
