import { conformance } from './conformance.ts';

conformance('inline', { isolation: 'inline' });
