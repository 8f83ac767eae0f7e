/** The storage that this runtime keeps data in: files or IndexedDB. */
import { persistentStorage, runtime, storageName } from '#host';
import { storageSuite } from '../storage/storage-suite.ts';

storageSuite(`${runtime}, persistent`, persistentStorage, storageName);
