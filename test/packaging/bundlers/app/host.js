import { browserHost } from '@plinth/host-browser';

export const host = () => browserHost();
