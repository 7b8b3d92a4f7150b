/**
 * The kernels between ONNX Runtime's float32 tensors and what is multiplied and hashed: int8 matrices, int32
 * products, carries. Like all but the GEMM, they do items `first` to `end` of their work (kernels.ts).
 */

/** int8 rows from float32 integers in [−63, 63], four to a word. An item is a word. */
export const packWgsl = (): string => `
struct H { first: u32, end: u32 };
@group(0) @binding(0) var<uniform> h: H;
@group(0) @binding(1) var<storage, read> values: array<vec4<f32>>;
@group(0) @binding(2) var<storage, read_write> packed: array<u32>;
@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>) {
  for (var at = h.first + id.x; at < h.end; at += groups.x * 64u) {
    let b = bitcast<vec4<u32>>(vec4<i32>(values[at])) & vec4<u32>(255u);
    packed[at] = b.x | (b.y << 8u) | (b.z << 16u) | (b.w << 24u);
  }
}`;

/** A carry as it is hashed: `count` whole numbers in float32 to `size` bytes each, 2 or 4. An item is a word. */
export const narrowWgsl = (): string => `
struct H { first: u32, end: u32, count: u32, size: u32 };
@group(0) @binding(0) var<uniform> h: H;
@group(0) @binding(1) var<storage, read> values: array<f32>;
@group(0) @binding(2) var<storage, read_write> narrowed: array<u32>;
fn at(i: u32) -> u32 { return bitcast<u32>(i32(values[i])); }
@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>) {
  for (var word = h.first + id.x; word < h.end; word += groups.x * 64u) {
    if (h.size == 4u) {
      narrowed[word] = at(word);
    } else {
      let odd = select(0u, at(min(2u * word + 1u, h.count - 1u)), 2u * word + 1u < h.count);
      narrowed[word] = (at(2u * word) & 0xffffu) | (odd << 16u);
    }
  }
}`;

/** Products of less than 2^24 from int32 to float32, where they lie. An item is an entry. */
export const floatsWgsl = (): string => `
struct H { first: u32, end: u32 };
@group(0) @binding(0) var<uniform> h: H;
@group(0) @binding(1) var<storage, read_write> values: array<u32>;
@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>) {
  for (var at = h.first + id.x; at < h.end; at += groups.x * 64u) {
    values[at] = bitcast<u32>(f32(bitcast<i32>(values[at])));
  }
}`;
