/** A plugin of typedoc: names modules as people import them, in place of their paths. */
import { type Application, Converter, ReflectionKind } from 'typedoc';
import { apiEntries } from '../scripts/api-entries.ts';

/** Called by typedoc. */
export function load({ converter }: Application): void {
  const names = new Map(
    [...apiEntries()].map(([path, name]) => [path.replace(/(?:\/index)?\.ts$/, ''), name]),
  );
  converter.on(Converter.EVENT_CREATE_DECLARATION, (_, reflection) => {
    if (reflection.kindOf(ReflectionKind.Module))
      reflection.name = names.get(reflection.name) ?? reflection.name;
  });
}
