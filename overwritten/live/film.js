// Turns the still of a film into a slider. `film` holds what each picture of the steps and of
// the lanes changes in the one before, the title, and the step and the view it opens with; `root`
// is the output's own element. No kernel, no network; nothing moves unless a hand moves it or
// presses play, and what is shown never becomes less tall meanwhile: below it nothing jumps back.

// A frame: [[at, gone, stroke, …], …]; a stroke is its text the first time, then its number.
function unpack(frames) {
  const strokes = [];
  let now = [];
  return frames.map(frame => {
    now = [...now];
    for (const [at, gone, ...come] of frame)
      now.splice(at, gone, ...come.map(s => (typeof s === 'number' ? strokes[s] : strokes[strokes.push(s) - 1])));
    return now;
  });
}

function make(tag, attributes, words) {
  const element = document.createElement(tag);
  for (const name in attributes) element.setAttribute(name, attributes[name]);
  if (words) element.textContent = words;
  return element;
}

function button(words, attributes, press) {
  const element = make('button', { type: 'button', ...attributes, ...KEYS }, words);
  element.onclick = press;
  return element;
}

// Without this mark on the focused element itself, JupyterLab takes the arrow keys.
const KEYS = { 'data-lm-suppress-shortcuts': 'true' };
const steps = unpack(film.steps), lanes = unpack(film.lanes);
const last = steps.length - 1;
let timer = 0, moved = false;

const slider = make('input', { type: 'range', min: 0, max: last, 'aria-label': 'step', ...KEYS });
const play = button('play', { class: 'word' }, () => {
  if (timer) return go(0);
  timer = setInterval(tick, 1000);
  play.textContent = 'pause';
  if (moved && Number(slider.value) < last) return tick();
  moved = true;
  show(0);
});
const turn = button('lanes', { class: 'word', 'aria-pressed': String(film.view === 'lanes') }, () => {
  across.hidden = !across.hidden;
  picture.hidden = !across.hidden;
  turn.setAttribute('aria-pressed', String(picture.hidden));
  show(Number(slider.value));
});
const count = make('output', { 'aria-live': 'off' });
const picture = make('div', { class: 'picture' });
const across = make('div', { class: 'lanes' });
picture.hidden = film.view === 'lanes';
across.hidden = !picture.hidden;
const sentence = root.querySelector('.sentence');
const shown = [picture, across, sentence];

function show(step) {
  step = Math.max(0, Math.min(last, step));
  slider.value = step;
  picture.innerHTML = steps[step].join('');
  if (!across.hidden) across.innerHTML = lanes[step].join('');
  // before the first step the lanes frame no column: they are told whole
  const whole = !across.hidden && !step && last && across.firstChild.getAttribute('aria-label');
  const words = whole || picture.firstChild.getAttribute('aria-label');
  count.textContent = whole ? 'no step framed' : `step ${step} of ${last}`;
  slider.setAttribute('aria-valuetext', words);
  // the slider's own value is read out already, and a film that plays would be never silent
  sentence.setAttribute('aria-live', timer || document.activeElement === slider ? 'off' : 'polite');
  sentence.textContent = words;
  const tall = shown.map(one => one.offsetHeight);
  shown.forEach((one, k) => { one.style.minHeight = `${tall[k]}px`; });
}

function pause() {
  clearInterval(timer);
  timer = 0;
  play.textContent = 'play';
}

function tick() {
  const next = Number(slider.value) + 1;
  if (next >= last || !root.isConnected) pause();
  show(next);
}

function go(by) {
  pause();
  moved = true;
  show(Number(slider.value) + by);
}

// What is wider than its box scrolls there, by keyboard too.
function scrolling(label, inside) {
  const box = make('div', { class: 'view' });
  const region = { role: 'region', 'aria-label': label, tabindex: '0', ...KEYS };
  box.append(...inside);
  new ResizeObserver(() => {
    const wider = box.scrollWidth > box.clientWidth;
    for (const name in region) wider ? box.setAttribute(name, region[name]) : box.removeAttribute(name);
  }).observe(box);
  return box;
}

let width = 0;
new ResizeObserver(() => {
  if (width && width !== root.clientWidth) // another arrangement may be less tall
    for (const one of shown) one.style.minHeight = '';
  width = root.clientWidth;
}).observe(root);
slider.oninput = () => go(0);
slider.onkeydown = event => {
  const by = { PageUp: 10, PageDown: -10 }[event.key];
  if (by) {
    event.preventDefault(); // the browser's own page is a tenth of the film
    go(by);
  }
};
const group = make('div', { role: 'group', 'aria-label': film.title, class: 'controls' });
group.append(
  button('◀', { 'aria-label': 'previous step' }, () => go(-1)), slider,
  button('▶', { 'aria-label': 'next step' }, () => go(1)), play, turn, count);
const table = root.querySelector('table');
table.before(scrolling('All steps as a table', []));
table.previousSibling.append(table);
root.querySelector('.still').remove();
root.prepend(make('style', {}, film.style), group, scrolling('Picture', [picture, across]));
show(film.opens);
