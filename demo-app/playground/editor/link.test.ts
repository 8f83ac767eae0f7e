/** Links that hold plugins, and what is no such link. */
import { deflateRawSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { linkOf, packedIn, unpack } from './link.ts';

const packed = (text: string | Uint8Array) => deflateRawSync(text).toString('base64url');
const draft = { manifest: '{ "id": "a.b" }', code: 'export default 1; // ü \u202E <script>' };

describe('a link', () => {
  it('gives back what it was made of, to the letter', async () => {
    const link = await linkOf(draft);
    expect(link).toMatch(/^#\/editor\?code=[\w-]+$/);
    expect(await unpack(packedIn(link) as string)).toEqual(draft);
  });

  it('is none without the parameter', () => {
    for (const hash of ['', '#/editor', '#/editor?', '#/plugins?code=AA', '#/editor?x=1&code=AA'])
      expect(packedIn(hash), hash).toBeUndefined();
    expect(packedIn('#/editor?code=')).toBe('');
  });

  it('is not made of more than a link may hold', async () => {
    const noise = Array.from({ length: 100_000 }, () => Math.random().toString(36)[2]).join('');
    await expect(linkOf({ ...draft, code: noise })).resolves.toBeTruthy();
    await expect(linkOf({ ...draft, code: noise.repeat(3) })).rejects.toThrow('too large');
    await expect(linkOf({ ...draft, code: 'x'.repeat(500_000) })).rejects.toThrow('too large');
  });
});

describe('a hostile link', () => {
  it.each([
    ['is empty', '', 'damaged'],
    ['is no base64', '%00<script>', 'characters'],
    ['has an impossible length', 'AAAAA', 'damaged'],
    ['is no deflate', '____', 'damaged'],
    ['is cut off', packed(JSON.stringify({ v: 1, ...draft })).slice(0, 24), 'damaged'],
    ['is too long', 'A'.repeat(200_000), 'longer'],
    ['holds no JSON', packed('hello'), 'no plugin'],
    ['holds null', packed('null'), 'no plugin'],
    ['holds a list', packed('[1,2]'), 'no plugin'],
    ['holds other types', packed('{"v":1,"manifest":{},"code":"x"}'), 'no plugin'],
    ['holds no version', packed('{"manifest":"","code":""}'), 'no plugin'],
    ['is of a later version', packed('{"v":2,"manifest":"","code":""}'), 'later version'],
    ['unpacks to 40 MB', packed(new Uint8Array(40_000_000)), 'more than a plugin'],
  ])('that %s is refused', async (_what, text, message) => {
    await expect(unpack(text)).rejects.toThrow(message);
  });

  it('sets nothing but the two texts', async () => {
    const text = `{"v":1,"__proto__":{"evil":1},"manifest":"m","code":"c","isolation":"worker"}`;
    expect(await unpack(packed(text))).toEqual({ manifest: 'm', code: 'c' });
  });
});
