/** What plugins contribute to the page. */
import type { Workbench } from '@plinth/ui/host';
import { useChanges } from '../model/store.ts';
import { useInspector } from './context.ts';

/** The workbench. The component is rendered again when a list of it may have changed. */
export function useWorkbench(): Workbench {
  const { workbench, contributions } = useInspector();
  useChanges(contributions);
  return workbench;
}
