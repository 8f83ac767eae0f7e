/** Plugins found by words. */
import { packageOf } from '@plinth/kernel';
import { parseManifest } from '@plinth/sdk';
import { describe, expect, it } from 'vitest';
import { SearchIndex } from '../../kernel/dist/api/search-index.js';
import type { PluginRecord } from '../../kernel/dist/plugin/record.js';

const record = (id: string, more: object = {}): PluginRecord => {
  const input = { id, version: '1.0.0', main: 'plugin.js', engines: { plinth: '^1.0.0' }, ...more };
  return {
    state: 'validated',
    key: `${id}@1.0.0`,
    id,
    version: '1.0.0',
    origin: `memory:${id}`,
    package: packageOf({ manifest: input }),
    manifest: parseManifest(input),
  };
};
const NOTES = record('test.notes', { name: 'Notes', description: 'Keeps\nwhat you write' });
const CALENDAR = record('test.calendar', { tags: ['planning', 'Dates'] });
const MAIL = record('test.mail', { description: 'Writes and reads letters' });
const ALL = [NOTES, CALENDAR, MAIL];
const idsOf = (query: string, records: readonly PluginRecord[] = ALL, index = new SearchIndex()) =>
  index.find(query, records).map(({ id }) => id);

describe('a search for plugins', () => {
  it('without a word finds all', () => {
    expect(idsOf('')).toEqual(['test.notes', 'test.calendar', 'test.mail']);
    expect(idsOf(' \n\t ')).toHaveLength(3);
  });

  it('looks at id, name, description and tags, in any case', () => {
    expect(idsOf('NOTES')).toEqual(['test.notes']);
    expect(idsOf('Letters')).toEqual(['test.mail']);
    expect(idsOf('dates')).toEqual(['test.calendar']);
  });

  it('needs every word, in any order, and finds parts of words', () => {
    expect(idsOf('writ')).toEqual(['test.notes', 'test.mail']);
    expect(idsOf('read  writ')).toEqual(['test.mail']);
    expect(idsOf('writ read notes')).toEqual([]);
  });

  it('finds each plugin once, in the order of the list, however often the word occurs', () => {
    const often = record('test.test', { name: 'test test', tags: ['test'] });
    expect(idsOf('test', [MAIL, often, NOTES])).toEqual(['test.mail', 'test.test', 'test.notes']);
  });

  it('finds no word across the border of two plugins, and none across its own two fields', () => {
    expect(idsOf('calendarplanning')).toEqual([]);
    expect(idsOf('write test.calendar')).toEqual([]);
  });

  it('takes signs literally, and finds words on both sides of a line break', () => {
    expect(idsOf('.*')).toEqual([]);
    expect(idsOf('keeps what')).toEqual(['test.notes']);
  });

  it('knows a plugin without a manifest by its name', () => {
    const found: PluginRecord = {
      state: 'discovered',
      key: 'memory:0',
      id: 'memory:0',
      origin: 'memory:0',
      package: packageOf({ manifest: '' }),
    };
    expect(idsOf('memory', [NOTES, found])).toEqual(['memory:0']);
  });

  it('follows when the list changes, and finds nothing in an empty one', () => {
    const index = new SearchIndex();
    expect(idsOf('mail', ALL, index)).toEqual(['test.mail']);
    expect(idsOf('mail', [NOTES], index)).toEqual([]);
    const next = record('test.notes', { name: 'Mail' });
    expect(idsOf('mail', [next, MAIL], index)).toEqual(['test.notes', 'test.mail']);
    expect(idsOf('mail', [], index)).toEqual([]);
  });
});
