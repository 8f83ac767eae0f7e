/**
 * `@plinth/kernel/replay`: records what crosses the boundary of a plugin, and replays it against
 * another build of that plugin.
 *
 * @module
 */
import { makeExtension } from '../../extension/make-extension.js';
import type { PluginPackage } from '../../host.js';
import type { PackageInput } from '../../sources/package-source.js';
import type { Recorder, TrafficRecorder } from './recorder.js';
import type { Recording } from './recording.js';
import type { ReplayOptions } from './replay.js';
import type { ReplayResult } from './result.js';

export type { RecordingSession, RecordOptions, TrafficRecorder } from './recorder.js';
export {
  parseRecording,
  type Recording,
  type RecordingEnd,
  type RecordingHeader,
} from './recording.js';
export type { ReplayOptions } from './replay.js';
export type { Divergence, ReplayResult } from './result.js';

/**
 * Records the traffic of plugins on request. A plugin that isn't recorded is not touched.
 *
 * @example
 * const kernel = await createKernel({ extensions: [recorder()] });
 * await kernel.start();
 * const session = await kernel.extension(recorder).record('com.example.notes', { limit: 1_000_000 });
 * // … the plugin does its work …
 * const { text } = await session.stop();
 */
export const recorder = makeExtension({ name: 'replay', uses: ['core', 'launch'] }, () => ({
  install({ core, launch }): TrafficRecorder {
    let now: Recorder | undefined;
    const made = core.add(async () => (tenant) => ({
      /** Loaded for the first recording. */
      async recorder(): Promise<Recorder> {
        const { Recorder: Made } = await import('./recorder.js');
        now ??= new Made(tenant);
        return now;
      },
      close: () => now?.close(),
    }));
    launch(async ({ plugin, isolation }, next) => {
      const guest = await next();
      return now === undefined ? guest : now.launched(plugin.id, isolation, guest);
    });
    return {
      async record(...what) {
        const { recorder: get } = await made();
        return (await get()).record(...what);
      },
    };
  },
}));

/**
 * Replays a recording against a build of the same plugin, in a kernel of its own, and answers the
 * first divergence. The plugin gets what was recorded: calls, events, settings and the answers to
 * its requests. Nothing of it reaches a network, a storage or another plugin.
 *
 * @throws PluginValidationError `recording/invalid`, with the reason `plugin` for a recording of
 * another plugin; the error of a package that doesn't load.
 * @example
 * const { ok, divergence } = await replay(await parseRecording(text), { manifest, code }, { host: nodeHost() });
 */
export async function replay(
  recording: Recording,
  input: PackageInput | PluginPackage,
  options: ReplayOptions = {},
): Promise<ReplayResult> {
  const { replayOf } = await import('./replay.js');
  return replayOf(recording, input, options);
}
