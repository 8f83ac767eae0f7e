import { memoryStorage } from '@plinth/kernel';
import { storageSuite } from './storage-suite.ts';

storageSuite('memory', async () => memoryStorage());
