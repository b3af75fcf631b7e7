// The front page's decoder: what is pasted goes to Python in a worker, what comes back is shown with
// the cards of the patterns it names. Python's HTML is escaped there and goes in as HTML; the text
// itself never does. Nothing is sent anywhere.
(() => {
  const root = document.getElementById('decoder');
  const [field, told, cards] = ['textarea', '.told', '.cards'].map(one => root.querySelector(one));
  const [example, clear] = ['.example', '.clear'].map(one => root.querySelector(one));
  const files = new URL(root.dataset.files, document.baseURI);
  const KEPT = 'overwritten.message', PAUSE = 250; // milliseconds after a key, before it is read
  let worker = null, ready = false, broken = false, asked = 0, timer = 0;

  const say = words => { told.replaceChildren(Object.assign(document.createElement('p'), { textContent: words })); };
  const hindrance = () => {
    const list = 'The list of patterns below needs nothing.';
    if (!root.dataset.files) return `This copy of the page was built without its decoder. ${list}`;
    if (location.protocol === 'file:') return `The decoder needs a web server (python -m http.server in this folder is one), and this page was opened from a file. ${list}`;
    if (typeof WebAssembly !== 'object') return `The decoder runs Python, and this browser has no WebAssembly for it. ${list}`;
    return '';
  };
  const failed = () => {
    broken = true;
    done('', []);
    say('The decoder could not start: reload the page to try again. The list of patterns below needs nothing.');
  };

  function start() {
    if (worker) return;
    worker = new Worker(new URL('worker.js', files), { type: 'module' });
    worker.onerror = failed;
    worker.onmessage = async ({ data }) => {
      if (data.id === undefined && data.error) return failed();
      if (data.id === undefined) {
        ready = true;
        root.dataset.ready = '';
        return keep().catch(() => {}); // then it needs the network again
      }
      if (broken || data.id !== asked) return; // a later text is being read
      if (data.error) return say('The decoder failed on this text. Please report it, with the text.');
      await show(JSON.parse(data.answer), data.id);
    };
  }

  const waiting = () => {
    if (!ready && !broken) say(`Starting Python in this page … It loads up to ${root.dataset.megabytes} MB, the first time only.`);
  };

  function read() {
    clearTimeout(timer);
    const text = field.value;
    try { sessionStorage.setItem(KEPT, text); } catch { /* a browser may forbid it */ }
    clear.hidden = !text;
    asked += 1;
    if (!text.trim()) return done('', []);
    if (broken) return;
    start();
    waiting();
    told.ariaBusy = 'true';
    worker.postMessage({ id: asked, text });
  }

  async function show({ html, cards: named }, id) {
    const lists = await Promise.all(named.map(async ([heading, keys]) => [heading, await Promise.all(keys.map(fragment))]));
    if (id === asked) done(html, lists);
  }

  function done(html, lists) {
    told.innerHTML = html;
    told.ariaBusy = 'false';
    told.firstElementChild?.removeAttribute('role'); // the region around it is the one that is read out
    const shown = lists.flatMap(([heading, fragments]) => [
      Object.assign(document.createElement('h2'), { textContent: heading.replace(/:$/, '') }), ...fragments]);
    cards.replaceChildren(...shown); // the films' own scripts run now
    if (lists.length === 1) cards.querySelector('details').open = true;
    root.dataset.shown = asked;
  }

  const htmlOf = {};
  async function fragment(key) {
    htmlOf[key] ??= (await fetch(new URL(`cards/${key}.json`, files))).json();
    return document.createRange().createContextualFragment(await htmlOf[key]);
  }

  // All that this page needs, for a visit without a network.
  async function keep() {
    if (!('serviceWorker' in navigator) || !window.caches) return;
    const name = `overwritten ${files.pathname}`;
    await navigator.serviceWorker.register('sw.js');
    const kept = await caches.open(name);
    const own = (await (await fetch(new URL('files.json', files))).json()).map(one => new URL(one, files).href);
    const there = await Promise.all(own.map(url => kept.match(url)));
    await kept.addAll(own.filter((_, at) => !there[at]));
    const loaded = performance.getEntriesByType('resource')
      .filter(one => one.name.startsWith(location.origin) && !(one.responseStatus >= 400) && !own.includes(one.name));
    await kept.addAll(new Set([location.pathname, ...loaded.map(one => one.name)]));
    for (const other of await caches.keys()) if (other.startsWith('overwritten ') && other !== name) await caches.delete(other);
    root.dataset.kept = '';
  }

  const why = hindrance();
  if (why) {
    for (const one of [field, example, clear]) one.disabled = true;
    return say(why);
  }
  document.getElementById('pst-skip-link')?.prepend(Object.assign(document.createElement('a'), { href: '#message', textContent: 'Skip to the error box' }));
  field.addEventListener('focus', start);
  field.addEventListener('input', ({ inputType }) => {
    clearTimeout(timer);
    if (field.value.trim()) waiting();
    timer = setTimeout(read, /^insertFromPaste|^insertFromDrop/.test(inputType) ? 0 : PAUSE);
  });
  example.addEventListener('click', () => { field.value = root.dataset.example; read(); });
  clear.addEventListener('click', () => { field.value = ''; read(); field.focus(); });
  try { field.value ||= sessionStorage.getItem(KEPT) ?? ''; } catch { /* a browser may forbid it */ }
  if (field.value) return read();
  const idle = window.requestIdleCallback ?? (then => setTimeout(then, 500));
  if (!navigator.connection?.saveData) addEventListener('load', () => idle(start));
})();
