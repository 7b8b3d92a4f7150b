/** Objects and lists as JSON has them, where valibot's take more or look at more. */
import * as v from 'valibot';

/** An object with these fields and no others. A list is none, though one without fields might pass for it. */
export function object<const E extends v.ObjectEntries>(entries: E) {
  const schema = v.strictObject(entries);
  const run: (typeof schema)['~run'] = (dataset, config) => {
    if (!Array.isArray(dataset.value)) return schema['~run'](dataset, config);
    v._addIssue(schema, 'type', dataset, config);
    return dataset as never;
  };
  return { ...schema, '~run': run };
}

/** A list of so many. Of a longer one nothing is looked at: bodies are of megabytes. */
export function list<const S extends v.GenericSchema>(item: S, least: number, most: number) {
  const longest = v.maxLength<v.InferOutput<S>[], number>(most);
  const schema = v.pipe(v.array(item), v.minLength(least), longest);
  const run: (typeof schema)['~run'] = (dataset, config) => {
    const { value } = dataset;
    if (!Array.isArray(value) || value.length <= most) return schema['~run'](dataset, config);
    v._addIssue(longest, 'length', dataset, config, { received: `${value.length}` });
    return { ...dataset, typed: true } as never;
  };
  return { ...schema, '~run': run };
}
