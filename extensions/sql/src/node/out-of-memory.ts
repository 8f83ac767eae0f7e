/** What the database process writes before it ends because its memory is used up. */
export const OUT_OF_MEMORY = 'plinth-sql: out of memory\n';
