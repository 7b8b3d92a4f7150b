/** What can lie over the wallet. */
export type Sheet = 'receive' | 'send' | 'backup' | 'protect' | 'unlock' | 'restore' | 'erase';
