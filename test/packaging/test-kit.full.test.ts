/** The packed test kit under each test runner, and without the kernel. */
import { execFile } from 'node:child_process';
import { cp, mkdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Packed, pack, runNode } from './packed.ts';

/** Enough for runners that must be downloaded first. */
const TIMEOUT = 400_000;

const env = { ...process.env, PATH: `${dirname(process.execPath)}:${process.env.PATH}` };

let packed: Packed;
beforeAll(async () => {
  packed = await pack();
});
afterAll(() => packed?.remove());

/** A project with the given packages and the tests of the consumer. */
async function projectWith(
  name: string,
  dependencies: Readonly<Record<string, string>>,
): Promise<string> {
  const project = join(packed.folder, name);
  await mkdir(project);
  await cp(fileURLToPath(new URL('consumer/kit', import.meta.url)), join(project, 'kit'), {
    recursive: true,
  });
  await writeFile(
    join(project, 'package.json'),
    JSON.stringify({ name, private: true, type: 'module', dependencies }),
  );
  const flags = ['--prefer-offline', '--no-audit', '--no-fund', '--ignore-scripts'];
  await promisify(execFile)('npm', ['install', ...flags, '--no-package-lock'], {
    cwd: project,
    env,
  });
  return project;
}

describe('the test kit', () => {
  let project: string;
  beforeAll(async () => {
    project = await projectWith('runners', {
      '@plinth/sdk': `file:${packed.tarballs.sdk}`,
      '@plinth/kernel': `file:${packed.tarballs.kernel}`,
      jest: '30.5.2',
      vitest: '5.1.0',
    });
  }, TIMEOUT);

  it.each([
    ['node:test', ['--test', 'kit/node.test.js']],
    [
      'vitest',
      ['node_modules/vitest/vitest.mjs', 'run', '--testTimeout=30000', 'kit/vitest.spec.js'],
    ],
    [
      'Jest',
      [
        '--experimental-vm-modules',
        'node_modules/jest/bin/jest.js',
        '--testTimeout=30000',
        '--testMatch',
        '**/jest.spec.js',
      ],
    ],
  ])('works under %s', async (_, args) => {
    // It rejects unless the runner reports that every test has passed.
    await runNode(project, ...args);
  });

  it('needs the kernel for test kernels alone, and says so', { timeout: TIMEOUT }, async () => {
    const bare = await projectWith('bare', { '@plinth/sdk': `file:${packed.tarballs.sdk}` });
    const script = `
      import { contractChecks, createTestKernel } from '@plinth/sdk/testing';
      const error = await createTestKernel().catch((error) => error);
      console.log(typeof contractChecks, error.code, error.message);`;
    expect(await runNode(bare, '--input-type=module', '--eval', script)).toContain(
      "function kernel/invalid-option the test kit runs the real kernel, which can't be loaded: install '@plinth/kernel'",
    );
  });
});
