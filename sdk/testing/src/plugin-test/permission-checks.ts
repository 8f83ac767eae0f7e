/** Does the plugin ask for what it uses, and for nothing else? */
import type { Manifest, PermissionName } from '@plinth/sdk';
import { PERMISSION_NAMES, type Permissions, scopesOf } from '@plinth/sdk/contract';
import type { TestKernel } from '../test-kernel.js';
import { ensure, type Outcome, type Run, type Subject } from './subject.js';

/** The checks of the group `permissions`. */
export function permissionRuns(subject: Subject): Readonly<Record<string, Run>> {
  return {
    denied: async () => {
      await using kernel = await subject.start();
      await run(subject, kernel);
      const denied = [
        ...new Set(kernel.denials.map(({ permission, scope }) => `${permission} '${scope}'`)),
      ];
      ensure(
        denied.length === 0,
        `it attempts what its manifest doesn't ask for: ${denied.join(', ')}`,
      );
      return 'nothing that it attempts is refused';
    },
    unused: () => unused(subject),
  };
}

/**
 * Takes each right away in turn. One without which nothing is refused was not used. It counts
 * against the plugin only when every command was tried.
 */
async function unused(subject: Subject): Promise<string> {
  const asked = askedOf(subject.manifest);
  const idle: PermissionName[] = [];
  for (const name of asked) {
    await using kernel = await subject.start({
      policy: { permissions: ({ permissions }) => without(permissions, name) },
    });
    const outcomes = await run(subject, kernel);
    const { state } = kernel.plugins.get(subject.id) ?? {};
    // Without the right to provide a contract, none of its commands is there.
    const missing = outcomes.some(({ error }) => codeOf(error) === 'call/unknown-command');
    const used =
      state === 'failed' || missing || kernel.denials.some(({ permission }) => permission === name);
    if (!used) idle.push(name);
  }
  if (idle.length === 0) return `each of its ${asked.length} permissions is used`;
  const tried = new Set(subject.samples.map(([command]) => command));
  await using kernel = await subject.started();
  const untried = subject.commands(kernel).filter((one) => !tried.has(one));
  const found = `nothing uses ${idle.join(', ')}`;
  ensure(untried.length > 0, `${found}: take what it doesn't need out of its manifest`);
  return `${found}, but ${untried.length} of its commands have no samples`;
}

const codeOf = (error: unknown): unknown =>
  (error as { readonly code?: unknown } | undefined)?.code;

async function run(subject: Subject, kernel: TestKernel): Promise<readonly Outcome[]> {
  // One that waits for a call uses nothing before. What it can't start without is a right it uses.
  await kernel.plugins.activate(subject.id).catch(() => {});
  if (kernel.plugins.get(subject.id)?.state === 'failed') return [];
  const outcomes = await subject.exercise(kernel);
  // Denials are announced as events, which may still be on their way.
  await kernel.plugins.health(subject.id);
  await new Promise<void>((resolve) => {
    setTimeout(resolve, 0);
  });
  return outcomes;
}

/** The permissions that a manifest asks for. Those of needs come with the needs. */
function askedOf({ permissions }: Manifest): readonly PermissionName[] {
  return PERMISSION_NAMES.filter(
    (name) => name !== 'logs.write' && scopesOf(permissions, name).length > 0,
  );
}

/** What is allowed: everything that is asked for but one. */
function without(permissions: Permissions, name: PermissionName): Permissions {
  const [resource = '', action] = name.split('.');
  const { [resource as keyof Permissions]: part, ...others } = permissions;
  if (action === undefined || typeof part !== 'object') return others;
  const { [action]: _, ...rest } = part as Readonly<Record<string, unknown>>;
  return { ...others, [resource]: rest };
}
