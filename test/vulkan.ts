/** Where the machine has no GPU: Chromium's own Vulkan loader and software device, for Dawn in Node. */
import { existsSync } from 'node:fs';
import { constants } from 'node:os';

const CHROMIUM = '/usr/lib/chromium';

export function borrowVulkan(): void {
  if (process.env.VK_ICD_FILENAMES || !existsSync(`${CHROMIUM}/libvulkan.so.1`)) return;
  process.env.VK_ICD_FILENAMES = `${CHROMIUM}/vk_swiftshader_icd.json`;
  // Dawn opens the loader by its name, which finds one that is loaded already wherever it lies.
  // NODELETE (0x1000) keeps it, though Node finds that it is no module of its own and says so.
  const flags = constants.dlopen.RTLD_NOW | constants.dlopen.RTLD_GLOBAL | 0x1000;
  try {
    process.dlopen({ exports: {} }, `${CHROMIUM}/libvulkan.so.1`, flags);
  } catch (e) {
    if (!String(e).includes('self-register')) throw e;
  }
}
