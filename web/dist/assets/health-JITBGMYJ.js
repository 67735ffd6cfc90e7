import{a,b,c}from"./chunk-PL3AGZVO.js";import"./chunk-QJL5NRP6.js";import"./chunk-Z62EN3MM.js";import"./chunk-CKBNPOJT.js";import"./chunk-EQZ5KCOP.js";export{a as CLASSES,b as Disk,c as Health};
