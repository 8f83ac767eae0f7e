/** `ctx.fs`. */

/** Files of the machine, by the absolute paths that `fs.read` and `fs.write` name. Only in Node. */
export interface PluginFiles {
  /** At most 16 MiB. */
  read(path: string): Promise<Uint8Array>;
  readText(path: string): Promise<string>;
  /** Creates the file or replaces all of it. Its folder must exist. */
  write(path: string, data: string | ArrayBuffer | ArrayBufferView): Promise<void>;
  /** Names in a folder, sorted. */
  list(path: string): Promise<readonly string[]>;
  /** Undefined when the path doesn't exist. Sizes are bytes, times milliseconds since the epoch. */
  stat(path: string): Promise<
    | {
        readonly kind: 'file' | 'folder' | 'other';
        readonly size: number;
        readonly modified: number;
      }
    | undefined
  >;
  /** Whether the file existed. */
  remove(path: string): Promise<boolean>;
}
