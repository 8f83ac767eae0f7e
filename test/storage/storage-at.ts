/** The storage that a process of a test is told to open: a folder, or a SQL database as JSON. */
import { fileStorage } from '@plinth/host-node';
import type { StorageAdapter } from '@plinth/kernel';
import { type SqlPlace, sqlStorage } from '@plinth/sql/storage';

export const storageAt = async (place: string): Promise<StorageAdapter> =>
  place.startsWith('{') ? sqlStorage(JSON.parse(place) as SqlPlace) : fileStorage(place);
