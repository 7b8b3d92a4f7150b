/** What the templates of well-known models use is rendered as the library does it without our bounds. */
import { Template } from '@huggingface/jinja';
import { describe, expect, it } from 'vitest';
import { openTemplate } from '../../../src/client/models/template.ts';

const messages = [
  { role: 'system', content: 'Be brief.' },
  { role: 'user', content: '  How deep is <b>it</b>?\n' },
  { role: 'assistant', content: '<think>\nhm\n</think>\n\nTwo "metres".' },
  { role: 'user', content: 'So?' },
];
const values = { messages, add_generation_prompt: true, bos_token: '<s>', eos_token: '</s>' };

/** Qwen3's, but for its tools. */
const QWEN = `{%- if messages[0].role == 'system' %}
    {{- '<|im_start|>system\\n' + messages[0].content + '<|im_end|>\\n' }}
{%- endif %}
{%- set ns = namespace(multi_step_tool=true, last_query_index=messages|length - 1) %}
{%- for message in messages[::-1] %}
    {%- set index = (messages|length - 1) - loop.index0 %}
    {%- if ns.multi_step_tool and message.role == "user" and message.content is string and not(message.content.startswith('<tool_response>') and message.content.endswith('</tool_response>')) %}
        {%- set ns.multi_step_tool = false %}
        {%- set ns.last_query_index = index %}
    {%- endif %}
{%- endfor %}
{%- for message in messages %}
    {%- set content = message.content if message.content is string else '' %}
    {%- if (message.role == "user") or (message.role == "system" and not loop.first) %}
        {{- '<|im_start|>' + message.role + '\\n' + content + '<|im_end|>' + '\\n' }}
    {%- elif message.role == "assistant" %}
        {%- set reasoning_content = '' %}
        {%- if '</think>' in content %}
            {%- set reasoning_content = content.split('</think>')[0].rstrip('\\n').split('<think>')[-1].lstrip('\\n') %}
            {%- set content = content.split('</think>')[-1].lstrip('\\n') %}
        {%- endif %}
        {%- if loop.index0 > ns.last_query_index and (loop.last or reasoning_content) %}
            {{- '<|im_start|>' + message.role + '\\n<think>\\n' + reasoning_content.strip('\\n') + content }}
        {%- else %}
            {{- '<|im_start|>' + message.role + '\\n' + content }}
        {%- endif %}
        {{- '<|im_end|>\\n' }}
    {%- endif %}
{%- endfor %}
{%- if add_generation_prompt %}
    {{- '<|im_start|>assistant\\n' }}
    {%- if enable_thinking is defined and enable_thinking is false %}
        {{- '<think>\\n\\n</think>\\n\\n' }}
    {%- endif %}
{%- endif %}`;

/** Llama 3's, but for its tools. */
const LLAMA = `{{- bos_token }}
{%- if custom_tools is defined %}
    {%- set tools = custom_tools %}
{%- endif %}
{%- if not tools is defined %}
    {%- set tools = none %}
{%- endif %}
{%- if messages[0]['role'] == 'system' %}
    {%- set system_message = messages[0]['content']|trim %}
    {%- set messages = messages[1:] %}
{%- else %}
    {%- set system_message = "" %}
{%- endif %}
{{- "<|start_header_id|>system<|end_header_id|>\\n\\n" }}
{%- if tools is not none %}
    {%- for t in tools %}{{- t | tojson(indent=4) }}{%- endfor %}
{%- endif %}
{{- system_message }}
{{- "<|eot_id|>" }}
{%- for message in messages %}
    {%- if not (message.role == 'ipython' or message.role == 'tool' or 'tool_calls' in message) %}
        {{- '<|start_header_id|>' + message['role'] + '<|end_header_id|>\\n\\n'+ message['content'] | trim + '<|eot_id|>' }}
    {%- endif %}
{%- endfor %}
{%- if add_generation_prompt %}
    {{- '<|start_header_id|>assistant<|end_header_id|>\\n\\n' }}
{%- endif %}`;

const MISTRAL =
  "{{ bos_token }}{% for message in messages[1:] %}{% if (message['role'] == 'user') != (loop.index0 % 2 == 0) %}" +
  "{{ raise_exception('roles must alternate') }}{% endif %}{% if message['role'] == 'user' %}" +
  "{{ '[INST] ' + message['content'] + ' [/INST]' }}{% else %}{{ message['content'] + eos_token }}{% endif %}{% endfor %}";

describe('the template of', () => {
  it.each([
    ['Qwen3', QWEN],
    ['Llama 3', LLAMA],
    ['Mistral', MISTRAL],
    [
      'parts',
      '{% macro say(m, n=2) %}{{ m.role | upper }}{{ n }}{% endmacro %}{% for m in messages %}{{ say(m, n=3) }}{% endfor %}',
    ],
    [
      'filters',
      "{{ messages | map(attribute='role') | join(', ') }}{{ messages | tojson }}{{ 'a\nb' | indent(2) }}{{ 'a' | replace('a', 'bb') }}",
    ],
    [
      'tests',
      "{% for i in range(1, 9, 3) %}{{ i is odd }}{{ loop.last }}{% endfor %}{{ x is defined }}{{ (messages | selectattr('role', 'equalto', 'user') | list | length) ** 2 }}",
    ],
  ])('%s is rendered as it is', async (_, template) => {
    const rendered = (await openTemplate(template)).render(values);
    expect(rendered).toBe(new Template(template).render(values));
    expect(rendered.length).toBeGreaterThan(10);
  });

  it('a long conversation stays within its bounds', async () => {
    const many = Array.from({ length: 255 }, (_, i) => ({
      role: i % 2 ? 'assistant' : 'user',
      content: 'word '.repeat(50),
    }));
    for (const template of [QWEN, LLAMA]) {
      const rendered = (await openTemplate(template)).render({ ...values, messages: many });
      expect(rendered.length).toBeGreaterThan(255 * 250);
    }
  });
});
