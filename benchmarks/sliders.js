// What stands in the page while a way is measured.
(() => {
  const B = window.B = { inputs: [], seen: [] };
  const later = [];
  const channel = new MessageChannel();
  channel.port1.onmessage = () => B.seen.push({ mark: later.shift(), t: performance.now() });
  const canvas = document.createElement('canvas').getContext('2d', { willReadFrequently: true });
  let root, last, source, known;
  function mark() {
    const svg = root.querySelector('.picture :is([data-step], [data-peaks]), .widget-html svg');
    if (svg) return Number(svg.dataset.step ?? svg.dataset.peaks.split(',')[1] / 4 - 1);
    const image = root.querySelector('img');
    if (!image?.complete || !image.naturalWidth) return known;
    if (image.src !== source) {
      source = image.src;
      canvas.drawImage(image, 0, 0);
      known = canvas.getImageData(4, 4, 1, 1).data[0];
    }
    return known;
  }
  function frame() {
    const now = root && mark();
    if (now !== undefined && now !== last) {
      last = now;
      later.push(now);
      channel.port2.postMessage(0);
    }
    requestAnimationFrame(frame);
  }
  document.addEventListener('keydown', event => B.inputs.push(event.timeStamp), true);
  requestAnimationFrame(frame);
  B.watch = element => { root = element; last = source = known = undefined; B.clear(); };
  B.clear = () => { B.inputs = []; B.seen = []; };
  B.at = () => last;
  B.burst = (element, changes, most) => new Promise(done => {
    const handle = [...element.querySelectorAll('.noUi-handle')].at(-1);
    const field = element.querySelector('input[type=range]');
    const begun = performance.now(), times = [];
    const clock = setInterval(() => {
      const due = Math.min(changes, Math.floor((performance.now() - begun) / (1000 / 60)) + 1);
      while (times.length < due) {
        const back = times.length >= most;
        times.push(performance.now());
        if (handle) {
          const key = back ? 'ArrowLeft' : 'ArrowRight';
          const pressed = { key, bubbles: true, cancelable: true };
          handle.dispatchEvent(new KeyboardEvent('keydown', pressed));
        } else {
          field.value = Number(field.value) + (back ? -1 : 1);
          field.dispatchEvent(new Event('input', { bubbles: true }));
        }
      }
      if (times.length >= changes) { clearInterval(clock); done(times.at(-1)); }
    }, 4);
  });
  // The output put in anew, its script run: until it is painted.
  B.first = element => new Promise(done => {
    const cells = window.jupyterapp.shell.currentWidget.content.widgets;
    const outputs = cells.find(c => c.node.contains(element)).model.outputs.toJSON();
    const html = outputs.map(o => o.data?.['text/html']).find(Boolean);
    const place = document.createElement('div'), begun = performance.now();
    document.body.prepend(place);
    place.append(document.createRange().createContextualFragment(html));
    requestAnimationFrame(() => {
      const after = new MessageChannel();
      after.port1.onmessage = () => {
        const took = performance.now() - begun;
        place.remove();
        done([took, html.length]);
      };
      after.port2.postMessage(0);
    });
  });
})()
