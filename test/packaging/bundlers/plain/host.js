import { browserHost } from './plinth/standalone.js';

export const host = () => browserHost({ frame: '/plinth/plinth-frame.html' });
