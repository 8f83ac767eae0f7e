/** `plinth bundle`: writes a plugin's package, and its archive beside it. */
import { relative, resolve } from 'node:path';
import { bundlePlugin, MAX_BUNDLE } from '../bundle/bundle-plugin.js';
import { checkOut, writePackage } from '../bundle/write-package.js';
import type { RunCommand } from '../command.js';
import { sizeOf } from '../terminal/numbers.js';

/** Bundles the plugin in a folder. */
export const run: RunCommand = async ([path = '.'], options, terminal) => {
  const folder = resolve(path);
  const out = resolve(folder, String(options.out ?? 'dist/plugin'));
  await checkOut(folder, out);
  const maxSize =
    options.maxSize === undefined ? MAX_BUNDLE : sizeOf(options.maxSize, '--max-size');
  const bundle = await terminal.during(`bundling ${path}`, () =>
    bundlePlugin(folder, {
      ...(typeof options.entry === 'string' && { entry: options.entry }),
      minify: options.minify !== false,
      maxSize,
    }),
  );
  const { manifest, files, unconverted } = bundle;
  const archive = await writePackage(out, bundle, options.archive !== false);
  for (const schema of unconverted)
    terminal.note(
      `${terminal.paint('yellow', 'warning')} ${schema}: parts of it can't be said as JSON Schema, and are not in the manifest`,
    );
  const size = Buffer.byteLength(files.get(manifest.main) ?? '');
  const written = archive === undefined ? [out] : [out, archive];
  return {
    data: {
      id: manifest.id,
      version: manifest.version,
      out,
      ...(archive !== undefined && { archive }),
      size,
      files: [...files.keys()],
      unconverted,
    },
    text: [
      `${terminal.paint('green', 'bundled')} ${manifest.id} ${manifest.version}, ${size} bytes`,
      ...written.map((one) => `  ${relative(process.cwd(), one) || '.'}`),
    ].join('\n'),
  };
};
