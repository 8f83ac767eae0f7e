/** What the tests share: settings for a folder of their own. */
import { randomBytes } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pg from 'pg';
import { readSettings, type Settings } from '../src/settings.ts';

// What is tested is answers; the log would hide the results.
process.env['LOG_LEVEL'] ??= 'error';

export const ENVIRONMENT = {
  PORT: '0',
  PUBLIC_URL: 'http://localhost:3000',
  SECRET: 'a-secret-of-the-tests-alone',
  ADMIN_TOKEN: 'an-admin-token-of-the-tests',
  METRICS_TOKEN: 'a-metrics-token-of-the-tests',
  ACME_USERS: 'ada:ada-password',
  GLOBEX_USERS: 'grace:grace-password',
  INITECH_USERS: 'milton:milton-password',
};

/** A folder that is deleted afterwards, and with `DATABASE_URL` a database of PostgreSQL, too. */
export async function inFolder<T>(work: (folder: string) => Promise<T>): Promise<T> {
  const folder = await mkdtemp(join(tmpdir(), 'node-service-'));
  try {
    return await withDatabase(folder, () => work(folder));
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

const databases = new Map<string, string>();

async function withDatabase<T>(folder: string, work: () => Promise<T>): Promise<T> {
  const server = process.env['DATABASE_URL'];
  if (server === undefined) return work();
  const name = `service_${randomBytes(6).toString('hex')}`;
  const client = new pg.Client(server);
  await client.connect();
  try {
    await client.query(`create database ${name}`);
    const url = new URL(server);
    url.pathname = `/${name}`;
    databases.set(folder, url.href);
    return await work();
  } finally {
    await client.query(`drop database if exists ${name} with (force)`);
    await client.end();
  }
}

/** The settings of a service that keeps its data in a folder. */
export const settingsIn = (folder: string): Settings =>
  readSettings({ ...ENVIRONMENT, DATA: folder, DATABASE_URL: databases.get(folder) });
