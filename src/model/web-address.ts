/** Whether a text is an http(s) address, and no path of a file. */
export const isWebAddress = (text: string): boolean => /^https?:/i.test(text);
