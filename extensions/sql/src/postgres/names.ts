/** Names and passwords of the roles of plugins. */
import { createHash, createHmac, pbkdf2Sync, randomBytes } from 'node:crypto';

/** Characters of a plugin's id that its role shows. */
const SHOWN = 14;

/**
 * The role of a plugin, which is the name of its schema, too. Roles belong to the whole server, so
 * the database is a part of it. It has 62 of the 63 bytes that a name may have.
 */
export function roleOf(database: string, tenant: string, plugin: string): string {
  const shown = plugin.replaceAll(/[^a-z0-9]/g, '_').slice(-SHOWN);
  const whole = createHash('sha256').update(JSON.stringify([database, tenant, plugin]));
  return `plinth_${shown}_${whole.digest('hex').slice(0, 40)}`;
}

/** The password of a role. All kernels of a database know its secret, so they know it. */
export const passwordOf = (secret: string, role: string): string => keyed(secret, 'login', role);

/** What the kernel shows to change the list of migrations of a plugin. */
export const keyOf = (secret: string, role: string): string => keyed(secret, 'migrate', role);

const keyed = (secret: string, ...what: readonly string[]) =>
  createHmac('sha256', secret).update(JSON.stringify(what)).digest('base64url');

const ITERATIONS = 4_096;

/** The password as the server keeps it. The password itself is in no statement and in no log. */
export function verifierOf(password: string): string {
  const salt = randomBytes(16);
  const salted = pbkdf2Sync(password, salt, ITERATIONS, 32, 'sha256');
  const hmac = (text: string) => createHmac('sha256', salted).update(text).digest();
  const stored = createHash('sha256').update(hmac('Client Key')).digest('base64');
  const server = hmac('Server Key').toString('base64');
  return `SCRAM-SHA-256$${ITERATIONS}:${salt.toString('base64')}$${stored}:${server}`;
}
