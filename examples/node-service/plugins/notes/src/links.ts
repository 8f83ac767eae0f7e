/** Links by which a note can be read without an account. They are signed with the tenant's key. */

const TEXT = new TextEncoder();

async function keyOf(secret: string): Promise<CryptoKey> {
  const algorithm = { name: 'HMAC', hash: 'SHA-256' };
  return crypto.subtle.importKey('raw', TEXT.encode(secret), algorithm, false, ['sign', 'verify']);
}

/** The signature of a note's id, as hex digits. */
export async function signatureOf(id: string, secret: string): Promise<string> {
  const bytes = await crypto.subtle.sign('HMAC', await keyOf(secret), TEXT.encode(id));
  return [...new Uint8Array(bytes)].map((byte) => byte.toString(16).padStart(2, '0')).join('');
}

/** Whether a link is the application's. It takes as long for a wrong signature as for a right one. */
export async function isSigned(id: string, given: string, secret: string): Promise<boolean> {
  if (!/^[0-9a-f]{64}$/.test(given)) return false;
  const signature = Uint8Array.from(given.match(/../g) ?? [], (digits) =>
    Number.parseInt(digits, 16),
  );
  return crypto.subtle.verify('HMAC', await keyOf(secret), signature, TEXT.encode(id));
}
