/** Words that recordings and replays share. */
import { Op } from '@plinth/sdk/contract';

const NAMES = new Map<number, string>(Object.entries(Op).map(([name, op]) => [op, name]));

/** The name of an operation, as entries have it. */
export const nameOfOp = (op: number): string => NAMES.get(op) ?? `operation ${op}`;

/** In place of a secret. */
export const SECRET = '[secret]';
