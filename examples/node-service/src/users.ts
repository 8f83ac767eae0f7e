/** Who makes a request: HTTP Basic, against the passwords of a tenant. */
import { createHash, timingSafeEqual } from 'node:crypto';

const digest = (text: string): Buffer => createHash('sha256').update(text).digest();

/** The user that an `authorization` header proves, or undefined. */
export function userOfHeader(
  header: string | null | undefined,
  users: ReadonlyMap<string, string>,
): string | undefined {
  const [, encoded] = /^Basic ([A-Za-z0-9+/=]+)$/i.exec(header ?? '') ?? [];
  const [, user = '', given = ''] =
    /^([^:]*):(.*)$/s.exec(Buffer.from(encoded ?? '', 'base64').toString()) ?? [];
  const password = users.get(user);
  // An unknown name takes as long as a known one, and digests are of one length.
  const same = timingSafeEqual(digest(given), digest(password ?? ''));
  return same && password !== undefined ? user : undefined;
}

/** Reads `ada:secret,grace:other`. @throws Error for anything else. */
export function parseUsers(text: string, from: string): ReadonlyMap<string, string> {
  return new Map(
    text.split(',').map((pair) => {
      const [, user, password] = /^([\w.-]{1,100}):(.{8,})$/.exec(pair.trim()) ?? [];
      if (user === undefined || password === undefined)
        throw new Error(`${from} is a list like ada:password,grace:password, of 8 characters each`);
      return [user, password] as const;
    }),
  );
}
