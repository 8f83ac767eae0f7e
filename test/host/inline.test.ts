import { conformance } from './conformance.ts';
import { wireConformance } from './wire-conformance.ts';

conformance('inline', { isolation: 'inline' });
wireConformance('inline', { isolation: 'inline' });
