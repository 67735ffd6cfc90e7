import{a,b}from"./chunk-FUMVHZJP.js";import"./chunk-37BNSTQF.js";import"./chunk-E4HOH36O.js";import"./chunk-V5KZCUB3.js";export{a as Disk,b as Health};
