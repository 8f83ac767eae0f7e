/** The error of a view that breaks the rules. */
import { PluginProtocolError } from '@plinth/sdk';

/** A view has sent what no view may send. It is not asked again until its plugin is replaced. */
export class ViewRefused extends PluginProtocolError {
  constructor(what: string, plugin?: string) {
    super('view/refused', `the view is refused: ${what}`, { plugin });
  }
}

/** @throws ViewRefused */
export function refuse(what: string): never {
  throw new ViewRefused(what);
}
