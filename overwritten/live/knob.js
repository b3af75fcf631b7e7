// Stands beside a knob. `knob` holds the recorded positions, `root` is the output's own element.
// With a kernel: a recorded position is painted at once, while the kernel still hears of it; of any
// other, and of whatever goes wrong, the kernel's picture and sentence are shown when they come.
// Without one: native controls over the positions that were recorded.
const area = root.closest('.jp-OutputArea, .cell_output, .cell_container') || root.closest('.output') || document.body;
// Without this mark on the focused element itself, front ends take the arrow keys.
const KEYS = { 'data-lm-suppress-shortcuts': 'true' };
const screens = new WeakMap();

function make(tag, attributes, ...inside) {
  const element = document.createElement(tag);
  for (const name in attributes) element.setAttribute(name, attributes[name]);
  element.append(...inside);
  return element;
}

function set(element, attributes) {
  for (const name in attributes)
    if (element.getAttribute(name) !== attributes[name]) element.setAttribute(name, attributes[name]);
}

// What is wider than its box scrolls there, by keyboard too.
function reach({ target: view }) {
  const region = { role: 'region', 'aria-label': 'Picture', tabindex: '0', ...KEYS };
  if (view.scrollWidth > view.clientWidth) set(view, region);
  else for (const name in region) view.removeAttribute(name);
}

// A picture and its sentence; `at` names what is drawn, which is drawn anew only for another name.
function screen() {
  const picture = make('div', { class: 'picture view' });
  const sentence = make('p', { class: 'sentence', 'aria-live': 'polite' });
  const both = make('div', { class: 'both' }, picture, sentence);
  // what stands below jumps down at most, and the sentence stays at its picture
  const keep = () => { both.style.minHeight = `${both.getBoundingClientRect().height}px`; };
  let drawn, wide;
  new ResizeObserver(entries => {
    entries.forEach(reach);
    if (wide === (wide = picture.clientWidth)) return;
    both.style.minHeight = '';
    keep();
  }).observe(picture);
  const paint = (at, svg, words) => {
    if (drawn === at && sentence.textContent === words) return;
    if (drawn !== (drawn = at)) picture.innerHTML = svg;
    if (sentence.textContent !== words) sentence.textContent = words;
    keep();
  };
  return { picture, both, paint };
}

const recorded = number => knob.pictures[number].map(stroke => knob.strokes[stroke]).join('');

// The controls of a live knob are read where a hand moved them: in the page.
function follow(box) {
  const [drawn, said] = box.querySelectorAll('[data-at]');
  if (!said) return;
  if (!screens.has(box)) {
    screens.set(box, screen());
    const { both } = screens.get(box);
    box.classList.add('ow-here');
    drawn.closest('.ow-drawn').before(make('div', { class: 'ow' }, make('style', {}, knob.style), both));
  }
  const { picture, paint } = screens.get(box);
  const labels = [...knob.controls.map(one => one.labels), ...knob.others];
  const places = [...box.querySelectorAll('.widget-readout, select')].map(
    (field, number) => field.selectedIndex ?? labels[number].indexOf(field.textContent));
  const chosen = places.splice(0, knob.controls.length), at = [...chosen, ...places].join();
  const known = places.some(Boolean) ? undefined : knob.positions[chosen];
  const told = drawn.dataset.at === said.dataset.at && said.dataset.at;
  if (known !== undefined && told !== at) paint(at, recorded(known), knob.sentences[known]);
  else if (told) paint(told, drawn.querySelector('.view').innerHTML, said.textContent);
  picture.classList.toggle('stale', known === undefined && told !== at);
}

// ipywidgets gives its slider handles no name, and for their value in words the place in a list
function mend() {
  for (const handle of area.querySelectorAll('.ow-knob :is(.noUi-handle, .ui-slider-handle)')) {
    const slider = handle.closest('.widget-inline-hbox');
    const label = slider.querySelector('.widget-label'), readout = slider.querySelector('.widget-readout');
    set(label, { title: '' });
    set(readout, { contenteditable: 'false' }); // what is typed there would do nothing
    set(handle, { role: 'slider', 'aria-label': label.textContent, 'aria-valuetext': readout.textContent });
    if (!handle.hasAttribute('aria-valuemax')) // ipywidgets 7: of 100, as nothing else is said
      set(handle, { 'aria-valuenow': String(parseInt(handle.style.left)) });
  }
  for (const field of area.querySelectorAll('.ow-knob :is(select, button, [tabindex])')) set(field, KEYS);
}

function control({ name, labels, slider }, place) {
  const field = make(slider ? 'input' : 'select', { ...KEYS, 'aria-label': name });
  const value = make('output', { 'aria-live': 'off' });
  if (slider) set(field, { type: 'range', max: String(labels.length - 1) });
  else field.append(...labels.map((words, number) => make('option', { value: number }, words)));
  field.value = knob.at[place];
  field.say = () => {
    if (!slider) return;
    value.textContent = labels[field.value];
    field.setAttribute('aria-valuetext', labels[field.value]);
  };
  field.say();
  field.row = make('label', {}, name, field, ...(slider ? [value] : []));
  return field;
}

function build(place) {
  const { both, paint } = screen();
  const fields = knob.controls.map(control);
  const show = number =>
    number === undefined ? paint('', '', 'This was not recorded. Run the cell to see it.')
      : paint(number, recorded(number), knob.sentences[number]);
  for (const field of fields)
    field.oninput = () => {
      field.say();
      show(knob.positions[fields.map(one => one.value)]);
    };
  const names = `Choose ${knob.controls.map(one => one.name).join(', ')}`;
  const group = make('div', { role: 'group', 'aria-label': names, class: 'controls' }, ...fields.map(one => one.row));
  place.querySelectorAll('.still, .sentence, .run').forEach(one => one.remove());
  place.prepend(make('style', {}, knob.style), group, both);
  show(knob.now);
}

function look() {
  mend();
  area.querySelectorAll(`.ow-knob.ow-${root.dataset.knob}`).forEach(follow);
  const still = area.querySelector(`[data-still="${root.dataset.knob}"]`);
  // JupyterLab and Notebook, of a widget whose kernel is gone
  const gone = [...area.querySelectorAll('.jupyter-widgets')].find(e => e.textContent.startsWith('Error displaying widget'));
  if (!still && (!gone || area === document.body)) return;
  watch.disconnect();
  area.removeEventListener('change', look);
  if (gone) gone.textContent = 'Recorded positions. Run the cell to turn the knob.';
  build(still || root);
}

// Whatever a control does is seen before the next frame: of a slider by what it writes, of a menu by its event.
const watch = new MutationObserver(look);
watch.observe(area, { childList: true, subtree: true, attributes: true, attributeFilter: ['aria-valuetext'] });
area.addEventListener('change', look);
look();
