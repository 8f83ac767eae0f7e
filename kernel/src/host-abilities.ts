/** What hosts may offer to plugins that are granted it, beside the network. Each call was checked before it comes here. */

/** What a path leads to. */
export interface FileFacts {
  readonly kind: 'file' | 'folder' | 'other';
  /** Bytes. */
  readonly size: number;
  /** Milliseconds since the epoch. */
  readonly modified: number;
}

/** Whether a plugin may use a path: asked again for where it leads in truth. @throws PluginPermissionError. */
export type CheckPath = (path: string) => void;

/** Files of this machine, by absolute paths. A link never leads past what was checked. @throws PluginError `fs/failed`, `fs/invalid`. */
export interface HostFiles {
  read(path: string, check: CheckPath): Promise<Uint8Array>;
  /** Replaces the file as a whole. */
  write(path: string, data: Uint8Array, check: CheckPath): Promise<void>;
  /** Names in a folder, sorted. */
  list(path: string, check: CheckPath): Promise<readonly string[]>;
  /** Undefined when there is nothing. */
  stat(path: string, check: CheckPath): Promise<FileFacts | undefined>;
  /** Answers whether there was a file. */
  remove(path: string, check: CheckPath): Promise<boolean>;
}
