/** Finds the matrix's other browsers: stock Firefox, and WebKitGTK with its driver. */
import { globSync } from 'node:fs';
import { onPath } from './find-chromium.ts';

/** A Firefox of the system, or undefined. */
export function findFirefox(): string | undefined {
  return process.env.FIREFOX_PATH || onPath('firefox-esr', 'firefox');
}

/** WebKitGTK's smallest browser, or undefined; distributions put it beside the library. */
export function findMiniBrowser(): string | undefined {
  return (
    process.env.WEBKIT_PATH ||
    globSync(['/usr/lib/*/webkit*gtk*/MiniBrowser', '/usr/libexec/webkit*gtk*/MiniBrowser'])[0]
  );
}
