/** Replays a recording against a package, in a kernel of its own. */
import { contract } from '@plinth/sdk';
import {
  createError,
  type LoadSpec,
  type Manifest,
  type ManifestInput,
  messageOf,
  parseContractId,
  parseManifest,
} from '@plinth/sdk/contract';
import { endpointPair, Link } from '@plinth/sdk/rpc';
import { createKernel } from '../../core-kernel.js';
import { makeExtension } from '../../extension/make-extension.js';
import type { Guest, Host, PluginPackage } from '../../host.js';
import { type PackageInput, packageOf, packageSource } from '../../sources/package-source.js';
import { guestEnded } from './guest-port.js';
import { Player } from './player.js';
import { type Entry, entriesOf, type Recording, unusable } from './recording.js';
import type { ReplayResult } from './result.js';
import { tapedCode, tapeOf } from './tape.js';
import { plainOf } from './values.js';

/** Where and how a recording is replayed. */
export interface ReplayOptions {
  /** Launches the guest. Without one it runs inline, in this thread. */
  readonly host?: Host;
  /** Where it runs. `worker` when absent and there is a host. */
  readonly isolation?: 'inline' | 'worker' | 'process' | 'sandbox';
  /** Milliseconds in which what was recorded has to come: 5000 when absent. */
  readonly wait?: number;
}

const WAIT = 5_000;

/** Replays. See {@link replay} of the entry point. */
export async function replayOf(
  recording: Recording,
  input: PackageInput | PluginPackage,
  { host, isolation = host === undefined ? 'inline' : 'worker', wait = WAIT }: ReplayOptions,
): Promise<ReplayResult> {
  if (typeof wait !== 'number' || !(wait > 0) || wait > 2 ** 31 - 1)
    throw createError(
      'kernel/invalid-option',
      `'wait' must be milliseconds, not ${messageOf(wait)}`,
      {
        details: { option: 'wait' },
      },
    );
  const all = await entriesOf(recording);
  const found = 'origin' in input ? input : packageOf(input);
  const { header } = recording;
  const manifest = parseManifest(found.manifest, found.origin);
  if (manifest.id !== header.plugin)
    throw unusable(
      'plugin',
      `it is of ${header.plugin}, and the package is of ${manifest.id}`,
      manifest.id,
    );
  const tape = tapeOf(all.filter(({ side }) => side === 'tape').map(plainOf));
  const entries = all.filter(({ side }) => side !== 'tape');
  let player: Player | undefined;
  const launched = (guest: Guest): Guest =>
    standIn(guest, async (given) => {
      const complete = isComplete(recording, entries);
      player = new Player(guest, { plugin: manifest.id, entries, complete, wait });
      const spec = { ...given, manifest };
      const code = header.taped ? await tapedCode(spec, tape) : undefined;
      return player.load(code === undefined ? spec : { ...spec, code, taped: true }, spec.values);
    });
  const kernel = await createKernel({
    ...(host !== undefined && { host }),
    isolation,
    telemetry: { log: false },
    sources: [packageSource([]), { discover: () => alone(found, manifest) }],
    // What the manifest provides was open where it was recorded.
    contracts: foreignOf(manifest).map((id) => contract(id, {})),
    extensions: [launcher(launched)()],
  });
  try {
    await kernel.start();
    const info = kernel.plugins.get(manifest.id);
    if (player === undefined || info?.error !== undefined)
      throw info?.error ?? createError('plugin/not-found', `${manifest.id} did not start`);
    return await player.play();
  } finally {
    player?.close(guestEnded(manifest.id));
    await kernel.stop();
  }
}

const foreignOf = ({ id, provides = [] }: Manifest): readonly string[] =>
  provides.filter((one) => parseContractId(one)?.base !== id);

/** Whether the guest was at rest at the end: no call and no control call was open. */
function isComplete({ end }: Recording, entries: readonly Entry[]): boolean {
  const answered = new Set(entries.flatMap(({ what, id }) => (CLOSING.has(what) ? [id] : [])));
  const asks = entries.filter(({ side, what }) => side === 'in' && OPENING.has(what));
  return end === 'stopped' && asks.every(({ id }) => answered.has(id));
}

const OPENING: ReadonlySet<string> = new Set(['call', 'control']);
const CLOSING: ReadonlySet<string> = new Set(['answer', 'cancel']);

/** An extension that stands around the launch of the one guest. */
const launcher = (launched: (guest: Guest) => Guest) =>
  makeExtension({ name: 'player', uses: ['launch'] }, () => ({
    install(port) {
      port.launch(async (_, next) => launched(await next()));
    },
  }));

/** The package without what other plugins and the application would have to be there for. */
async function* alone(
  found: PluginPackage,
  manifest: ReturnType<typeof parseManifest>,
): AsyncGenerator<PluginPackage> {
  const { config: _, contributes: __, ...rest } = manifest;
  const plain: ManifestInput = {
    ...rest,
    dependencies: {},
    optionalDependencies: {},
    needs: [],
    activation: ['startup'],
    tenancy: 'isolated',
  };
  const { refresh: ___, signature: ____, ...kept } = found;
  yield { ...kept, manifest: plain };
}

/** The guest as the kernel gets it: it is loaded, and the player does the rest. */
function standIn(guest: Guest, load: (spec: LoadSpec) => Promise<unknown>): Guest {
  const [outside, inside] = endpointPair();
  const none = async () => undefined;
  const link = new Link({
    endpoint: inside,
    stacks: true,
    trusting: true,
    serve: none,
    note() {},
    control: {
      load: async (spec: LoadSpec) => ({ ...((await load(spec)) as object), needs: [], hooks: [] }),
      configure: none,
      needs: none,
      activate: none,
      deactivate: none,
    },
    onBreach() {},
    defer: (task) => void setTimeout(task, 0),
  });
  const exited = guest.exited.then((reason) => {
    link.close(guestEnded('the plugin'));
    return reason;
  });
  return { endpoint: outside, exited, terminate: (whole) => guest.terminate(whole) };
}
