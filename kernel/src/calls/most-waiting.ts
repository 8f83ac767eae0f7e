/** Most messages that wait for one plugin, before its start and behind it. */
export const MAX_WAITING = 8_192;
