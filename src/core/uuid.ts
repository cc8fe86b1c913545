const UUID = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;

/** Whether a text can be the id of a job or an upload. What cannot is looked for nowhere: it may be a megabyte long. */
export function isUuid(text: string): boolean {
  return UUID.test(text);
}
