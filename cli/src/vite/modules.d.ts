/** Types of plugins that an application imports by the path of their folder. */
declare module 'plinth:*' {
  const source: import('@plinth/kernel').PluginSource;
  export default source;
}
