import { browserHost } from '@plinth/host-browser';
import { createWorker } from '@plinth/host-browser/inline';

export const host = () => browserHost({ createWorker });
