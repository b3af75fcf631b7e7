// Stands beside a knob. With a kernel: what ipywidgets leaves out. Without one: native controls
// over the positions that were recorded. `knob` holds those, `root` is the output's own element.
const area = root.closest('.jp-OutputArea, .cell_output') || root.closest('.output') || document.body;
// Without this mark on the focused element itself, front ends take the arrow keys.
const KEYS = { 'data-lm-suppress-shortcuts': 'true' };

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
function reach(view) {
  const region = { role: 'region', 'aria-label': 'Picture', tabindex: '0', ...KEYS };
  if (view.scrollWidth > view.clientWidth) set(view, region);
  else for (const name in region) view.removeAttribute(name);
}

function reachAll() {
  area.querySelectorAll(':is(.ow-knob, [data-still], [data-knob]) .view').forEach(reach);
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
  reachAll();
  for (const said of area.querySelectorAll('.ow-knob .ow-said')) set(said, { 'aria-live': 'polite' });
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
  const picture = make('div', { class: 'picture view', style: `min-height:${knob.height}px` });
  const sentence = place.querySelector('.sentence') || make('p', { class: 'sentence', 'aria-live': 'polite' });
  const fields = knob.controls.map(control);
  const show = number => {
    const known = number !== undefined;
    picture.innerHTML = known ? knob.pictures[number].map(stroke => knob.strokes[stroke]).join('') : '';
    sentence.textContent = known ? knob.sentences[number] : 'This was not recorded. Run the cell to see it.';
    reach(picture);
  };
  for (const field of fields)
    field.oninput = () => {
      field.say();
      show(knob.positions[fields.map(one => one.value).join(',')]);
    };
  const names = `Choose ${knob.controls.map(one => one.name).join(', ')}`;
  const group = make('div', { role: 'group', 'aria-label': names, class: 'controls' }, ...fields.map(one => one.row));
  place.querySelector('.still')?.remove();
  place.prepend(make('style', {}, knob.style), group, picture, sentence);
  place.querySelector('.run')?.remove();
  show(knob.now);
}

function look() {
  mend();
  const still = area.querySelector(`[data-still="${root.dataset.knob}"]`);
  // JupyterLab and Notebook, of a widget whose kernel is gone
  const gone = [...area.querySelectorAll('.jupyter-widgets')].find(e => e.textContent.startsWith('Error displaying widget'));
  if (!still && (!gone || area === document.body)) return;
  watch.disconnect();
  if (gone) gone.textContent = 'Recorded positions. Run the cell to turn the knob.';
  build(still || root);
}

const watch = new MutationObserver(look);
watch.observe(area, { childList: true, subtree: true, attributes: true, attributeFilter: ['aria-valuetext'] });
new ResizeObserver(reachAll).observe(root);
look();
