/** What reads the contributions of plugins to the page. A module of its own, loaded with the kernel's. */
export { ui } from '@plinth/ui/host';
