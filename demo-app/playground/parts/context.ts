/** The inspector, for every component. */
import { createContext } from 'preact';
import { useContext } from 'preact/hooks';
import type { Inspector } from '../model/inspector.ts';

export const InspectorContext = createContext<Inspector | undefined>(undefined);

/** The inspector of the page. */
export function useInspector(): Inspector {
  const inspector = useContext(InspectorContext);
  if (inspector === undefined) throw new Error('a panel is rendered outside of the page');
  return inspector;
}
