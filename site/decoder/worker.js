// The page's Python, in a thread of its own: {id, text} in, {id, answer} or {id, error} out. The
// first message is {} once it is ready. What is pasted is data here; nothing of it is ever run.
import { loadPyodide } from './pyodide.mjs';

async function start() {
  const packed = await fetch(new URL('snapshot.bin', import.meta.url));
  const memory = new Response(packed.body.pipeThrough(new DecompressionStream('gzip')));
  const indexURL = new URL('.', import.meta.url).href;
  const python = await loadPyodide({ indexURL, _loadSnapshot: await memory.arrayBuffer() });
  return python.globals.get('answer');
}

const started = start();
onmessage = async ({ data: { id, text } }) => {
  try {
    postMessage({ id, answer: (await started)(text) });
  } catch (error) {
    postMessage({ id, error: String(error) });
  }
};
started.then(() => postMessage({}), error => postMessage({ error: String(error) }));
