/**
 * A stream of events whose first one has come: what a test ends right after its head may end before it. `whole`: all
 * that came, when it has ended.
 */
export async function begunStream({ body }: Response): Promise<{ readonly whole: Promise<string> }> {
  if (body === null) throw new Error('There is no stream.');
  const reader = body.getReader();
  const decoder = new TextDecoder();
  let text = '';
  const more = async (): Promise<boolean> => {
    const { done, value } = await reader.read();
    text += decoder.decode(value, { stream: !done });
    return !done;
  };
  while (!text.includes('\n\n')) if (!(await more())) throw new Error(`The stream ended after "${text}".`);
  const rest = async (): Promise<string> => {
    while (await more());
    return text;
  };
  return { whole: rest() };
}
